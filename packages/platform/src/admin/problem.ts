// What the admin API answers when it does not do what it was asked (RFC 9457).
import { PLATFORM_ERRORS, PlatformError, type PlatformErrorCode } from '../errors.ts';

/** A problem, as it is sent. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: PlatformErrorCode;
  readonly detail: string;
}

/** Media type of a problem. */
export const PROBLEM_TYPE = 'application/problem+json';

const STATUSES: Readonly<Partial<Record<PlatformErrorCode, number>>> = {
  OFN_PLATFORM_REQUEST_INVALID: 400,
  OFN_PLATFORM_FOREIGN_CALLER: 403,
  OFN_PLATFORM_NOT_FOUND: 404,
  OFN_PLATFORM_METHOD_NOT_ALLOWED: 405,
  OFN_PLATFORM_BODY_TOO_LARGE: 413,
  OFN_PLATFORM_NO_INSTANCE: 409,
  OFN_PLATFORM_EVENT_FAILED: 502,
};

/** The problem of an error; anything but a PlatformError is `OFN_PLATFORM_INTERNAL`. */
export function toProblem(error: unknown): Problem {
  const code = error instanceof PlatformError ? error.code : 'OFN_PLATFORM_INTERNAL';
  const detail = error instanceof Error ? error.message : String(error);
  const status = STATUSES[code] ?? 500;
  return { type: 'about:blank', title: PLATFORM_ERRORS[code], status, code, detail };
}
