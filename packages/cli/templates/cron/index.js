import { binding } from '@ofn/core';

// Called at the schedule of function.yaml. A tick that throws is logged as failed.
binding('schedule', (ctx) => {
  ctx.log.info(`tick of ${ctx.input.name}`);
});
