// Makes sure, before anything is measured, that all servers give the same answer.
import { exchange } from './exchange.js';
import { environmentOf, peers } from './peers.js';
import { freePort, spawnServer, untilListening } from './server-process.js';
import { workloads } from './workloads.js';

const VARIES = new Set(['date']);

/**
 * Asks each server once and compares what came over the wire.
 *
 * @returns {Promise<{lengths: Map<string, number>, differences: string[]}>} The length of each
 *   server's response in bytes, and the headers that differ from those of the first server.
 * @throws Error when status, body, media type or framing are not those of the workload.
 */
export async function compareAnswers(keys, workloadName, collectors) {
  // Over gRPC, the load generator itself compares each answer, byte by byte.
  if (workloads[workloadName].protocol === 'grpc') return { lengths: new Map(), differences: [] };
  const answers = new Map();
  for (const key of keys) answers.set(key, await ask(key, workloadName, collectors));
  const [[, reference]] = answers;
  const differences = [...answers].flatMap(([key, { headers }]) =>
    headerDifferences(reference.headers, headers).map((text) => `${peers[key].label}: ${text}`),
  );
  const lengths = new Map([...answers].map(([key, { length }]) => [key, length]));
  return { lengths, differences };
}

async function ask(key, workloadName, collectors) {
  const { request, answer } = workloads[workloadName];
  const port = await freePort();
  const env = environmentOf(key, collectors);
  const server = spawnServer(peers[key].start(workloadName, port), { env });
  try {
    await untilListening(server, port);
    const response = await exchange(port, request);
    const { status, headers, body } = response;
    const label = `${peers[key].label}, ${workloadName}`;
    assertSame(`${label}: status`, status, '200');
    assertSame(`${label}: body`, body, answer.body);
    const type = headers.get('content-type');
    // A charset that only one of them names is told with the headers that differ.
    const isSame = type === answer.type || type?.startsWith(`${answer.type};`);
    assertSame(`${label}: content-type`, isSame ? answer.type : type, answer.type);
    assertSame(
      `${label}: content-length`,
      headers.get('content-length'),
      String(answer.body.length),
    );
    // What says nothing keeps the connection too.
    assertSame(`${label}: connection`, headers.get('connection') ?? 'keep-alive', 'keep-alive');
    assertSame(`${label}: date is sent`, headers.has('date'), true);
    return response;
  } finally {
    await server.stop();
  }
}

function assertSame(what, actual, expected) {
  if (actual === expected) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} in place of ${JSON.stringify(expected)}`);
}

function headerDifferences(reference, headers) {
  const names = new Set([...reference.keys(), ...headers.keys()]);
  return [...names]
    .filter((name) => !VARIES.has(name) && reference.get(name) !== headers.get(name))
    .map((name) =>
      headers.has(name) ? `sends "${name}: ${headers.get(name)}"` : `does not send "${name}"`,
    );
}
