// A function that imports nothing: the function context says that a cron binding calls it.

let runs = 0;

export function cleanUp(ctx) {
  runs += 1;
  ctx.log.info(`clean-up ${runs}, by the input ${ctx.input.name}`);
}
