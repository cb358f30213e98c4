// One port for HTTP/1.1 and gRPC: the first bytes of a connection tell which of both it speaks.
import { createServer, type Server, type Socket } from 'node:net';

// How every HTTP/2 connection begins (RFC 9113, 3.4).
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Who takes the connections. */
interface SharedPortSettings {
  readonly http1: (socket: Socket) => void;
  readonly http2: (socket: Socket) => void;
  /** Milliseconds within which a connection must say what it speaks. */
  readonly timeout: number;
}

/** A port that two protocols share. */
export interface SharedPort {
  /** What listens; it does not yet. */
  readonly server: Server;
  /** Closes the connections that have not said what they speak: nobody else knows of them. */
  closeUndecided(): void;
}

/** Creates a shared port. */
export function createSharedPort({ http1, http2, timeout }: SharedPortSettings): SharedPort {
  const undecided = new Set<Socket>();
  const server = createServer((socket) => {
    undecided.add(socket);
    const drop = (): void => {
      socket.destroy();
    };
    const timer = setTimeout(drop, timeout);
    const end = (): void => {
      clearTimeout(timer);
      undecided.delete(socket);
    };
    let head: Buffer = Buffer.alloc(0);
    const onReadable = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      head = Buffer.concat([head, chunk]);
      const length = Math.min(head.length, PREFACE.length);
      const isHttp2 = head.subarray(0, length).equals(PREFACE.subarray(0, length));
      // As long as it could be either, wait for more.
      if (isHttp2 && length < MINIMUM) return;
      socket.unshift(head);
      socket.removeListener('readable', onReadable);
      socket.removeListener('error', drop);
      socket.removeListener('close', end);
      end();
      if (isHttp2) http2(socket);
      else http1(socket);
    };
    socket.on('readable', onReadable);
    // A client that resets its connection before it has spoken.
    socket.on('error', drop);
    socket.on('close', end);
  });
  return {
    server,
    closeUndecided() {
      for (const socket of undecided) socket.destroy();
    },
  };
}

// No method of HTTP/1.1 begins with these.
const MINIMUM = 'PRI '.length;
