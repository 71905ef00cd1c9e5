"""Servers in one process are made of the same nodes, and share nothing that is written to them."""

import asyncio

from asyncua import Server, ua

from sim_lab.twins.opcua_server import micro_server


async def seen(server: Server) -> tuple[int, list[str], bool]:
    """A value of the standard's, what lies below its folder of objects, and whether a type is subtyped."""
    level = await server.get_node(ua.ObjectIds.Server_ServiceLevel).read_value()
    names = [(await node.read_browse_name()).Name for node in await server.nodes.objects.get_children()]
    return level, names, bool(await server.nodes.base_object_type.get_children_descriptions())


def test_what_is_written_to_one_is_not_in_another() -> None:
    async def main() -> None:
        one, other = [await micro_server("127.0.0.1", 0, name) for name in ("one", "other")]
        before = await seen(other)
        await one.get_node(ua.ObjectIds.Server_ServiceLevel).write_value(ua.Variant(7, ua.VariantType.Byte))
        await one.nodes.objects.add_object(2, "reader")
        await one.get_node(ua.ObjectIds.Server_ServiceLevel).write_attribute(
            ua.AttributeIds.DisplayName, ua.DataValue(ua.LocalizedText("level"))
        )
        changed = await seen(one)
        assert (changed[0], "reader" in changed[1]) == (7, True)
        assert await seen(other) == before
        level = other.get_node(ua.ObjectIds.Server_ServiceLevel)
        assert (await level.read_display_name()).Text == "ServiceLevel"
        assert [item.DisplayName.Text for item in await other.nodes.server.get_children_descriptions()
                if item.NodeId == level.nodeid] == ["ServiceLevel"]  # fmt: skip
        assert await seen(await micro_server("127.0.0.1", 0, "third")) == before

    asyncio.run(main())
