// A thread that serves the functions of one file and sends them requests, one after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { createTestRuntime } from '@ofn/core/testing';

const { source, options, requests } = workerData;
const { target, ...flags } = options;
const runtime = await createTestRuntime({ source, options: flags });
const replies = [];
for (const request of requests) {
  const sent = target === undefined ? runtime.request(request) : runtime.http(target, request);
  const response = await sent;
  replies.push({ status: response.status, body: await response.text() });
}
await runtime.close();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort.postMessage(replies);
