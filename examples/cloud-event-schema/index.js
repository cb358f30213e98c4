// The schema decides what gets in, and gives `event.data` its type.
import { cloudEvent } from '@ofn/core';
import { z } from 'zod';

const Order = z.object({
  item: z.string().min(1),
  price: z.number().positive(),
  quantity: z.int().positive().default(1),
});

cloudEvent('onOrder', { schema: Order }, ({ id, data }) => {
  const total = data.price * data.quantity;
  return {
    specversion: '1.0',
    id: `${id}-priced`,
    type: 'order.priced',
    source: '/orders',
    data: { item: data.item, total },
  };
});
