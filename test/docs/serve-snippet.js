// A thread that serves the functions of one file, and sends them requests and events one after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { createTestRuntime } from '@ofn/core/testing';
import { createSidecar } from '@ofn/sidecar';

const { source, options, context, sidecar: components, steps } = workerData;
const { target, ...flags } = options;
const sidecar = components && (await createSidecar({ components: toComponents(components) }));
const runtime = await createTestRuntime({
  source,
  options: flags,
  env: {
    ...(context === undefined ? {} : { FUNC_CONTEXT: context }),
    ...(sidecar === undefined ? {} : { DAPR_HTTP_PORT: String(sidecar.httpPort) }),
  },
});
const replies = [];
for (const step of steps) replies.push(await take(step));
await runtime.close();
await sidecar?.stop();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort.postMessage(replies);

function toComponents(types) {
  return Object.entries(types).map(([name, type]) => ({ name, type }));
}

async function take({ kind, name, data, request }) {
  if (kind === 'topic') return { acknowledgement: await runtime.topic(name, data) };
  if (kind === 'binding') return { acknowledgement: await runtime.binding(name, data) };
  const sent = target === undefined ? runtime.request(request) : runtime.http(target, request);
  const response = await sent;
  return { status: response.status, body: await response.text() };
}
