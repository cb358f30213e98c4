// The calls of SkyWalking's gRPC services that a reporter makes: one stream of messages, and single ones.
// Messages are bytes already, and answers are not read: SkyWalking's commands are for other agents.
import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';

/** How calls are made. */
export interface CallSettings {
  readonly metadata: Metadata;
  /** Milliseconds until the collector must have answered. */
  readonly timeout: number;
  /** Ends all calls at once. */
  readonly signal: AbortSignal;
}

/** A stream to a collector. */
export interface OutgoingStream {
  /** Whether the collector has answered, or failed: nobody reads what is written now. */
  readonly answered: boolean;
  write(bytes: Buffer): void;
  /** Resolves when more can be written without being kept in memory, or when nobody reads it. */
  room(): Promise<void>;
  /** Resolves with what the collector failed with; `undefined` when it took all. */
  end(): Promise<ServiceError | undefined>;
}

/** Opens a stream. */
export function openStream(client: Client, method: string, settings: CallSettings): OutgoingStream {
  const { metadata, timeout, signal } = settings;
  let answered = false;
  let settle!: (error: ServiceError | undefined) => void;
  const answer = new Promise<ServiceError | undefined>((resolve) => (settle = resolve));
  const options = { deadline: Date.now() + timeout };
  const stream = client.makeClientStreamRequest<Buffer, Buffer>(
    method,
    untouched,
    untouched,
    metadata,
    options,
    (error) => {
      answered = true;
      signal.removeEventListener('abort', cancel);
      settle(error ?? undefined);
    },
  );
  const cancel = (): void => stream.cancel();
  signal.addEventListener('abort', cancel);
  // What goes wrong is in the answer; without a listener it would end the process as well.
  stream.on('error', ignore);

  return {
    get answered() {
      return answered;
    },
    write: (bytes) => void stream.write(bytes),
    async room() {
      if (answered || !stream.writableNeedDrain) return;
      await Promise.race([answer, new Promise((resolve) => stream.once('drain', resolve))]);
    },
    end() {
      if (!answered) stream.end();
      return answer;
    },
  };
}

/** Sends one message. Resolves with what the collector failed with. */
export function call(
  client: Client,
  method: string,
  message: Buffer,
  { metadata, timeout, signal }: CallSettings,
): Promise<ServiceError | undefined> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + timeout };
    const request = client.makeUnaryRequest<Buffer, Buffer>(
      method,
      untouched,
      untouched,
      message,
      metadata,
      options,
      (error) => {
        signal.removeEventListener('abort', cancel);
        resolve(error ?? undefined);
      },
    );
    const cancel = (): void => request.cancel();
    signal.addEventListener('abort', cancel);
  });
}

function untouched(bytes: Buffer): Buffer {
  return bytes;
}

function ignore(): void {}
