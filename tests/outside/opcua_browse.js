// Use a served LADS reader with node-opcua (an OPC UA stack that is not asyncua): browse, types, tray, a reading.
// It knows names and numbers of the standard, and encodes properties by the type definition that the server gives.
const {
  OPCUAClient, AttributeIds, DataType, MessageSecurityMode, SecurityPolicy, Variant, VariantArrayType, resolveNodeId,
} = require("node-opcua-client");

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

async function value(session, node) {
  return (await session.read({ nodeId: node, attributeId: AttributeIds.Value })).value.value;
}

async function typeOf(session, node) {
  const found = await session.browse({ nodeId: node, referenceTypeId: "HasTypeDefinition", resultMask: 63 });
  return found.references[0].browseName.name;
}

async function until(session, machine, wanted) {
  const state = await child(session, machine, "CurrentState");
  for (let tries = 0; tries < 200; tries++) {
    const now = (await value(session, state)).text;
    if (now === wanted) return now;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`never ${wanted}`);
}

async function call(session, object, name, inputArguments = []) {
  return session.call({ objectId: object, methodId: await child(session, object, name), inputArguments });
}

async function startProgram(session, lads, state, wells, nm) {
  const keyValue = resolveNodeId(`ns=${lads};i=3003`);
  const pair = (key, text) => session.constructExtensionObject(keyValue, { key, value: text });
  const text = (it) => new Variant({ dataType: DataType.String, value: it });
  const list = (items) => new Variant({ dataType: DataType.ExtensionObject, arrayType: VariantArrayType.Array, value: items });
  const properties = [await pair("Wells", wells), await pair("WavelengthsNm", nm)];
  return call(session, state, "StartProgram", [text("Absorbance"), list(properties), text("job"), text("task"), list([])]);
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
  const namespaces = await session.readNamespaceArray();
  const set = await path(session, "RootFolder", "Objects", "DeviceSet");
  const devices = (await session.browse(set)).references
    .filter((reference) => reference.isForward && reference.nodeClass === 1)
    .map((reference) => reference.browseName.name);
  const device = await child(session, set, devices[0]);
  const unit = await path(session, device, "FunctionalUnitSet", "Absorbance");
  const state = await child(session, unit, "FunctionalUnitState");
  const cover = await path(session, unit, "FunctionSet", "Tray", "CoverState");
  const types = await Promise.all([device, unit, state, cover].map((node) => typeOf(session, node)));
  const server = await value(session, await path(session, "RootFolder", "Objects", "Server", "ServerStatus", "State"));
  const opened = (await call(session, cover, "Open")).statusCode.name;
  const out = await until(session, cover, "Opened");
  const closed = (await call(session, cover, "Close")).statusCode.name;
  const inside = await until(session, cover, "Closed");
  const lads = namespaces.indexOf("http://opcfoundation.org/UA/LADS/");
  const started = await startProgram(session, lads, state, "A1,B1", "504.0");
  const told = { devices, types, server, namespaces, opened, out, closed, inside, started: started.statusCode.name };
  if (started.statusCode.isGood()) {
    await until(session, state, "Stopped");
    const result = await path(session, unit, "ProgramManager", "ResultSet", started.outputArguments[0].value);
    told.values = Array.from(await value(session, await path(session, result, "VariableSet", "Absorbance")));
    told.took_s = (await value(session, await child(session, result, "Stopped")) -
      await value(session, await child(session, result, "Started"))) / 1000;
  }
  console.log("TOLD " + JSON.stringify(told)); // node-opcua writes to stdout too, at any time
  await session.close();
  await client.disconnect();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
