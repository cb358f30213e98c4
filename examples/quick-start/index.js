// Three kinds of function, served by one process: each at the path of its name, or at its own.
import { cloudEvent, http, openfunction } from '@ofn/core';

http('hello', (req, res) => {
  res.type('text').send(`Hello, ${req.query.name ?? 'World'}!\n`);
});

/** @typedef {{ item: string, price: number, quantity: number }} Order */

/** @type {import('@ofn/core').CloudEventHandler<Order>} */
const onOrder = ({ data }) => {
  const total = data.price * data.quantity;
  return { specversion: '1.0', type: 'order.priced', source: '/orders', data: { total } };
};

cloudEvent('onOrder', { path: '/orders' }, onOrder);

openfunction('greet', (ctx, data) => {
  ctx.log.info({ data }, 'greeting');
  return { greeting: `Hello, ${data?.name ?? 'World'}!`, method: ctx.req?.method };
});
