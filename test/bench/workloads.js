// What is asked of a server in each measure, and what it must answer.

import { EVENT_PATH, toGrpcEvent, toHttpEvent } from './cloud-event.js';
import { ORDER } from './order.cjs';

const HELLO = 'Hello, World!';

/** Workloads by name. `functions/` and `servers/` implement each of them. */
export const workloads = {
  'hello-end': { ...get(), answer: { type: 'text/html; charset=utf-8', body: HELLO } },
  'hello-send': { ...get(), answer: { type: 'text/html; charset=utf-8', body: HELLO } },
  'echo-json': {
    ...post(ORDER),
    answer: { type: 'application/json; charset=utf-8', body: ORDER },
  },
  'event-http': {
    ...postEvent(ORDER),
    answer: { type: 'application/json', body: '{"status":"SUCCESS"}' },
  },
  'event-grpc': {
    protocol: 'grpc',
    ...toGrpcEvent(ORDER),
    // SUCCESS is zero, which takes no byte.
    answer: '',
  },
};

function get() {
  return { request: renderRequest('GET', ['Accept: */*'], '') };
}

function post(body) {
  const headers = [
    'Accept: */*',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return { request: renderRequest('POST', headers, body) };
}

function postEvent(json) {
  const { body, headers } = toHttpEvent(json);
  return { request: renderRequest('POST', headers, body, EVENT_PATH) };
}

/** A request as bytes on the wire, as text. */
export function renderRequest(method, headers, body, path = '/') {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: keep-alive',
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
