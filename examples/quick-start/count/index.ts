// Counts how often each name was greeted, as the topic `greetings` tells.
import { openfunction } from '@ofn/core';

openfunction<{ name: string }>('count', async (ctx, { name }) => {
  const { counts } = ctx.states;
  const count = Number((await counts?.get(name)) ?? 0) + 1;
  await counts?.save(name, count);
  ctx.log.info(`${name} was greeted, ${count} in all`);
});
