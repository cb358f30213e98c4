// The parts of Express that functions use, loaded when first used.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Router } from 'express';

interface ExpressParts {
  readonly request: IncomingMessage & Record<string, unknown>;
  readonly response: ServerResponse & Record<string, unknown>;
  /** Express's own router, by itself. */
  createRouter(): Router;
  /** qs: nested fields (`a[b]=1`) become objects. */
  parseForm(text: string, options: object): Record<string, unknown>;
}

let parts: ExpressParts | undefined;

/** The parts of Express. Each loads at its first use. */
export function express(): ExpressParts {
  parts ??= createRequire(import.meta.url)('./express-parts.cjs') as ExpressParts;
  return parts;
}
