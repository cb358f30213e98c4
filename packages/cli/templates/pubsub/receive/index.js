import { DropError, topic } from '@ofn/core';

// Receives the orders. An event that fails is delivered again, unless it is dropped.
topic('orders', { pubsub: 'broker' }, (ctx, order) => {
  if (order.id === undefined) throw new DropError('an order needs an id');
  ctx.log.info(`order ${order.id} is received`);
});
