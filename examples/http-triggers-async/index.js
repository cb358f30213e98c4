// HTTP in, topic out: the caller is answered at once, and the work is done by a function of the topic.
import { openfunction, topic } from '@ofn/core';

openfunction('placeOrder', { path: '/orders', methods: ['POST'] }, async (ctx, order) => {
  await ctx.send(order, 'queue');
  ctx.res.status(202).json({ accepted: order.id });
});

topic('handleOrder', { pubsub: 'pubsub', topic: 'orders' }, (ctx, order) => {
  ctx.log.info(`order ${order.id} is handled`);
});
