// The HTTP APIs of daprd that this sidecar does not have: each request an error that says so.
import { unimplemented } from './fault.ts';
import { EVERY_METHOD, type Route } from './http-route.ts';

export const UNIMPLEMENTED_ROUTES: readonly Route[] = [
  {
    methods: EVERY_METHOD,
    pattern:
      /^\/v1\.0(?:-alpha\d|-beta\d)?\/(?:actors|configuration|conversation|crypto|jobs|lock|secrets|subtlecrypto|unlock|workflows)(?:\/.*)?$/,
    handle() {
      throw unimplemented();
    },
  },
];
