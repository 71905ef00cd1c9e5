// Browse a served reader with node-opcua (an OPC UA stack that is not asyncua): names, states, a method call.
const { OPCUAClient, makeBrowsePath, AttributeIds, MessageSecurityMode, SecurityPolicy } = require("node-opcua-client");

async function child(session, node, name) {
  const found = await session.browse(node);
  const hit = found.references.find((reference) => reference.browseName.name === name);
  if (!hit) throw new Error(`no ${name} below ${node}: ${found.references.map((r) => r.browseName.name)}`);
  return hit.nodeId;
}

async function path(session, node, ...names) {
  for (const name of names) node = await child(session, node, name);
  return node;
}

async function text(session, node) {
  const value = (await session.read({ nodeId: node, attributeId: AttributeIds.Value })).value.value;
  return value && value.text !== undefined ? value.text : value;
}

(async () => {
  const client = OPCUAClient.create({
    endpointMustExist: false,
    securityMode: MessageSecurityMode.None,
    securityPolicy: SecurityPolicy.None,
    connectionStrategy: { maxRetry: 1 },
  });
  await client.connect(process.argv[2]);
  const session = await client.createSession();
  const set = await path(session, "RootFolder", "Objects", "DeviceSet");
  const devices = (await session.browse(set)).references
    .filter((reference) => reference.isForward && reference.nodeClass === 1)
    .map((reference) => reference.browseName.name);
  const unit = await path(session, set, devices[0], "FunctionalUnitSet", "Absorbance");
  const cover = await path(session, unit, "FunctionSet", "Tray", "CoverState");
  const state = await child(session, cover, "CurrentState");
  const before = await text(session, state);
  const open = await session.call({ objectId: cover, methodId: await child(session, cover, "Open"), inputArguments: [] });
  const after = await text(session, state);
  const namespaces = await session.readNamespaceArray();
  const server = await text(session, await path(session, "RootFolder", "Objects", "Server", "ServerStatus", "State"));
  console.log(JSON.stringify({ devices, before, after, open: open.statusCode.name, namespaces, server }));
  await session.close();
  await client.disconnect();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
