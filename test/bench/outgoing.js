// What ctx.send and ctx.states cost beside the bare client of Dapr's SDK: CPU time of the function's
// process over what it sent, saved or read.
import { exchange } from './exchange.js';
import { bin, functionFile, serverFile } from './peers.js';
import { freePort, spawnServer, untilListening } from './server-process.js';
import { renderRequest } from './workloads.js';

const WAYS = ['client', 'ours'];

const CONTEXT = {
  name: 'bench',
  version: 'v1.0.0',
  outputs: {
    orders: { componentName: 'pubsub', componentType: 'pubsub.in-memory', topic: 'orders' },
  },
  states: { store: { componentName: 'store', componentType: 'state.in-memory' } },
};

/**
 * Measures one operation, both ways in alternation in one process, which is started anew several
 * times.
 *
 * @param {'send' | 'save' | 'get'} operation
 * @returns {Promise<{series: Map<string, object[]>, differences: string[]}>} By way, one `{cpu,
 *   rate}` a round: microseconds an operation, operations a second.
 */
export async function measureOutgoing(operation, settings) {
  const series = new Map(WAYS.map((by) => [by, []]));
  let differences = [];
  for (let launch = 0; launch < settings.launches; launch += 1) {
    const running = await start();
    try {
      differences = await compareRequests(running, operation);
      await measureLaunch(running, operation, settings, series);
    } finally {
      for (const server of running.servers) await server.stop();
    }
  }
  return { series, differences };
}

async function start() {
  const sidecarPort = await freePort();
  const sidecar = spawnServer([serverFile('sidecar'), sidecarPort]);
  await untilListening(sidecar, sidecarPort);
  const port = await freePort();
  const args = [
    bin,
    `--source=${functionFile('outgoing')}`,
    '--target=handler',
    '--signature-type=openfunction',
    `--port=${port}`,
  ];
  const env = { FUNC_CONTEXT: JSON.stringify(CONTEXT), DAPR_HTTP_PORT: String(sidecarPort) };
  const server = spawnServer(args, { probe: true, env });
  await untilListening(server, port);
  return { port, sidecarPort, server, servers: [server, sidecar] };
}

async function measureLaunch({ port, server }, operation, { rounds, requests, warmUp }, series) {
  for (const by of WAYS) await run(port, { operation, by, count: warmUp });
  for (let round = 0; round < rounds; round += 1) {
    for (const by of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
      const before = await server.usage();
      const begin = performance.now();
      await run(port, { operation, by, count: requests });
      const seconds = (performance.now() - begin) / 1000;
      const after = await server.usage();
      series.get(by).push({ cpu: (after.cpu - before.cpu) / requests, rate: requests / seconds });
    }
  }
}

async function run(port, command) {
  const body = JSON.stringify(command);
  const headers = ['Content-Type: application/json', `Content-Length: ${body.length}`];
  const { status, body: text } = await exchange(port, renderRequest('POST', headers, body));
  if (status !== '204') throw new Error(`the function answered ${status}: ${text}`);
}

// Whether the sidecar gets the same from both; what differs is told.
async function compareRequests({ port, sidecarPort }, operation) {
  const requests = [];
  for (const by of WAYS) {
    await run(port, { operation, by, count: 1 });
    const { body } = await exchange(sidecarPort, renderRequest('GET', [], '', '/last'));
    requests.push(toComparable(JSON.parse(body)));
  }
  const [bare, ours] = requests;
  if (bare.method !== ours.method || bare.path !== ours.path || bare.type !== ours.type) {
    throw new Error(`${operation}: ${JSON.stringify(ours)} in place of ${JSON.stringify(bare)}`);
  }
  return [...bare.parts.keys(), ...ours.parts.keys()]
    .filter((name, index, names) => names.indexOf(name) === index)
    .filter((name) => bare.parts.get(name) !== ours.parts.get(name))
    .map((name) => `${operation}: ${name}: ${told(ours, name)} in place of ${told(bare, name)}`);
}

function toComparable({ method, url, headers, body }) {
  const [path] = url.split('?');
  const type = headers['content-type'];
  return { method, path, type, parts: new Map(Object.entries({ url, ...headers, body })) };
}

function told({ parts }, name) {
  const text = parts.get(name) ?? 'none';
  return text.length > 80 ? `${text.slice(0, 80)}… (${text.length} bytes)` : text;
}
