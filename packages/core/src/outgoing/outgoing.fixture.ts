// A way out without outputs, for tests of what does not send.
import { createLogger } from '../logger.ts';
import { createOutgoing } from './outgoing.ts';
import { parseSidecarAddress } from './sidecar-address.ts';

export const noOutgoing = createOutgoing({
  context: undefined,
  sidecar: parseSidecarAddress({}),
  timeout: 100,
  log: createLogger({ level: 'silent' }),
});
