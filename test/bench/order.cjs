// 1,000 bytes of JSON, as a client would send an order.
const SIZE = 1000;

const items = Array.from({ length: 8 }, (_, index) => ({
  sku: `item-${1000 + index}`,
  quantity: index + 1,
  price: 19.5 + index,
  gift: index % 2 === 0,
}));
const order = { id: 4711, customer: { name: 'Ada', city: 'London' }, items, note: '' };
const missing = SIZE - Buffer.byteLength(JSON.stringify(order));

exports.ORDER = JSON.stringify({ ...order, note: 'x'.repeat(missing) });
