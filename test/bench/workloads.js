// What is asked of a server in each measure, and what it must answer.

const HELLO = 'Hello, World!';

/** 1,000 bytes of JSON, as a client would send an order. */
const ORDER = renderOrder(1000);

/** Workloads by name. `functions/` and `servers/` implement each of them. */
export const workloads = {
  'hello-end': { ...get(), answer: { type: 'text/html; charset=utf-8', body: HELLO } },
  'hello-send': { ...get(), answer: { type: 'text/html; charset=utf-8', body: HELLO } },
  'echo-json': {
    ...post(ORDER),
    answer: { type: 'application/json; charset=utf-8', body: ORDER },
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

function renderRequest(method, headers, body) {
  const lines = [`${method} / HTTP/1.1`, 'Host: localhost', 'Connection: keep-alive', ...headers];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

function renderOrder(size) {
  const items = Array.from({ length: 8 }, (_, index) => ({
    sku: `item-${1000 + index}`,
    quantity: index + 1,
    price: 19.5 + index,
    gift: index % 2 === 0,
  }));
  const order = { id: 4711, customer: { name: 'Ada', city: 'London' }, items, note: '' };
  const missing = size - Buffer.byteLength(JSON.stringify(order));
  return JSON.stringify({ ...order, note: 'x'.repeat(missing) });
}
