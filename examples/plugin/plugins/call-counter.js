// A plugin class of OpenFunction's kind; the framework makes one instance of it at start.
import { OpenFunctionPlugin } from '@ofn/core';

export class CallCounter extends OpenFunctionPlugin {
  calls = 0;

  constructor() {
    super('call-counter', 'v1');
  }

  /** @param {import('@ofn/core').Context} ctx */
  async execPreHook(ctx) {
    this.calls += 1;
    ctx.locals.calls = this.calls;
  }

  /** @param {import('@ofn/core').Context} ctx */
  async execPostHook(ctx) {
    if (ctx.error !== undefined) ctx.log.warn('the call failed');
  }
}
