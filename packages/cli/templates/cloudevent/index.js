import { cloudEvent } from '@ofn/core';

// What it returns is the reply: an event, in the mode of the request.
cloudEvent('my-function', (event) => ({
  specversion: '1.0',
  type: 'order.priced',
  source: '/my-function',
  data: { total: event.data.price * event.data.quantity },
}));
