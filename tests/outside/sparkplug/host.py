"""A Sparkplug B host of pysparkplug, unmodified: it asks for births, and tells each message as a line of JSON.

    python host.py PORT GROUP EDGE

It ends when its standard input does. paho 1.6, which it needs, cannot stand beside ours: it has an environment of its own.
"""

import json
import sys

import pysparkplug as psp

port, group, edge = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def tell(_: psp.Client, message: psp.Message) -> None:
    payload = message.payload
    metrics = [{"name": m.name, "value": m.value, "type": m.datatype.name} for m in getattr(payload, "metrics", ())]
    if isinstance(payload, psp.NDeath):
        metrics = [{"name": "bdSeq", "value": payload.bd_seq_metric.value, "type": payload.bd_seq_metric.datatype.name}]
    told = {"kind": message.topic.message_type.name, "device": message.topic.device_id, "metrics": metrics}
    print(json.dumps({**told, "seq": getattr(payload, "seq", None), "at_ms": payload.timestamp}), flush=True)


def ready(client: psp.Client) -> None:
    now = psp.get_current_timestamp()
    metric = psp.Metric(timestamp=now, name="Node Control/Rebirth", datatype=psp.DataType.BOOLEAN, value=True)
    topic = psp.Topic(message_type=psp.MessageType.NCMD, group_id=group, edge_node_id=edge)
    command = psp.Message(
        topic=topic, payload=psp.NCmd(timestamp=now, metrics=(metric,)), qos=psp.QoS.AT_MOST_ONCE, retain=False
    )
    client.publish(command, include_dtypes=True)


host = psp.Client()
for kind in (psp.MessageType.NBIRTH, psp.MessageType.NDATA, psp.MessageType.NDEATH):
    host.subscribe(psp.Topic(message_type=kind, group_id=group, edge_node_id=edge), psp.QoS.AT_LEAST_ONCE, tell)
for kind in (psp.MessageType.DBIRTH, psp.MessageType.DDATA, psp.MessageType.DDEATH):
    wanted = psp.Topic(message_type=kind, group_id=group, edge_node_id=edge, device_id="+")
    host.subscribe(wanted, psp.QoS.AT_LEAST_ONCE, tell)
host.connect("127.0.0.1", port=port, callback=ready)
sys.stdin.read()
host.disconnect()
