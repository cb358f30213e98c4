// Two functions on two topics: what the first makes of an order, the second gets as a shipment.
import { topic } from '@ofn/core';

topic('takeOrder', { topic: 'orders' }, async (ctx, order) => {
  ctx.log.info(`order ${order.id}: ${order.quantity} × ${order.item}`);
  const parcels = Math.ceil(order.quantity / 10);
  await ctx.send({ order: order.id, parcels }, 'toShipments');
});

topic('ship', { topic: 'shipments' }, (ctx, shipment) => {
  ctx.log.info(`order ${shipment.order} leaves in ${shipment.parcels} parcel(s)`);
});
