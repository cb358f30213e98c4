// Sends and keeps the same order, through ctx and through the bare client of Dapr's SDK: both in one
// process, so that they share what the compiler made of it.
const { CommunicationProtocolEnum, DaprClient, LogLevel } = require('@dapr/dapr');
const { ORDER } = require('../order.cjs');

const IN_FLIGHT = 32;
const order = JSON.parse(ORDER);

const client = new DaprClient({
  daprHost: '127.0.0.1',
  daprPort: process.env.DAPR_HTTP_PORT,
  communicationProtocol: CommunicationProtocolEnum.HTTP,
  logger: { level: LogLevel.Warn },
});

const operations = {
  send: {
    ours: (ctx) => ctx.send(order, 'orders'),
    client: () => client.pubsub.publish('pubsub', 'orders', order),
  },
  save: {
    ours: (ctx) => ctx.states.store.save('order', order),
    client: () => client.state.save('store', [{ key: 'order', value: order }]),
  },
  get: {
    ours: (ctx) => ctx.states.store.get('order'),
    client: () => client.state.get('store', 'order'),
  },
};

/** `{operation, by, count}`: does it so many times. */
exports.handler = async (ctx, { operation, by, count }) => {
  const run = operations[operation][by];
  let started = 0;
  const lane = async () => {
    while (started < count) {
      started += 1;
      assertDone(await run(ctx));
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, lane));
};

// The bare client resolves to its errors.
function assertDone(result) {
  if (result?.error !== undefined) throw result.error;
}
