// The one error of the package: Dapr's code, and the status it has over HTTP and over gRPC.
import { status as grpc } from '@grpc/grpc-js';

/**
 * An error as Dapr's APIs answer it, or a reason why a sidecar cannot start.
 *
 * @example
 * try { await sidecar.publish('unknown', 'orders', {}); }
 * catch (error) { console.log((error as SidecarError).code); } // ERR_PUBSUB_NOT_FOUND
 */
export class SidecarError extends Error {
  override readonly name = 'SidecarError';
  /** Dapr's error code, such as `ERR_PUBSUB_NOT_FOUND`. */
  readonly code: string;
  /** Status over HTTP. Default 500. */
  readonly httpStatus: number;
  /** Status over gRPC. Default `INTERNAL`. */
  readonly grpcStatus: grpc;

  constructor(
    code: string,
    message: string,
    options: { httpStatus?: number; grpcStatus?: grpc; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.httpStatus = options.httpStatus ?? 500;
    this.grpcStatus = options.grpcStatus ?? grpc.INTERNAL;
  }
}

/** The message of any thrown value. */
export function toMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
