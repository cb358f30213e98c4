import { openfunction } from '@ofn/core';

// Takes an order over HTTP, and sends it to its output: the topic orders of the broker.
openfunction('publish', { methods: ['POST'] }, async (ctx, order) => {
  await ctx.send(order, 'broker');
  ctx.res.status(202).json({ accepted: order.id });
});
