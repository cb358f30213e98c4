// A reply of the sidecar that is no success, as the reason it gives.
import type { SidecarReply } from './sidecar-exchange.ts';

/** Why the sidecar refused. */
export interface SidecarFailure {
  readonly status: number;
  /** Dapr's own code, such as `ERR_PUBSUB_NOT_FOUND`. */
  readonly errorCode: string | undefined;
  readonly message: string;
}

/** The reason of a reply; `undefined` for a success. */
export function toSidecarFailure({ status, bytes }: SidecarReply): SidecarFailure | undefined {
  if (status < 400) return undefined;
  const text = bytes.toString('utf8');
  const body = parseObject(text);
  const errorCode = typeof body?.['errorCode'] === 'string' ? body['errorCode'] : undefined;
  const message =
    typeof body?.['message'] === 'string' ? body['message'] : text.slice(0, 1000).trim();
  return { status, errorCode, message };
}

/** The reason as one line for a message. */
export function renderSidecarFailure({ status, errorCode, message }: SidecarFailure): string {
  const head = errorCode === undefined ? String(status) : `${status} ${errorCode}`;
  const reason = message === '' ? head : `${head}: ${message}`;
  // Another app or system may answer 401 too; these are daprd's words.
  if (status !== 401 || !/api token/i.test(message)) return reason;
  return `${reason}; give the function the DAPR_API_TOKEN of the sidecar`;
}

/** A JSON object of a text; `undefined` when it is none. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
