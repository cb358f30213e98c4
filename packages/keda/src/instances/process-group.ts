// The process group of a child: it ends with this process, however that ends.
import type { ChildProcess } from 'node:child_process';
import { reap } from './reaper.ts';

/** A process, and all that it has started. */
export interface ProcessGroup {
  /** Sends a signal to all of it, if anything of it is left. */
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Lets go of it, once the process has exited. */
  readonly release: () => void;
}

// What is killed when this process ends: one listener for all, since Node.js warns of more than ten.
const groups = new Set<() => void>();

function killAll(): void {
  for (const kill of groups) kill();
}

/**
 * Has a group end with this process, also when this one is killed.
 *
 * @param child Leader of a group of its own: started with `detached`.
 * @example
 * const child = spawn('daprd', [], { detached: true });
 * const group = ownGroup(child);
 * child.on('exit', group.release);
 * group.signal('SIGTERM');
 */
export function ownGroup({ pid }: ChildProcess): ProcessGroup {
  function signal(name: NodeJS.Signals): void {
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch {
      // All of it has ended.
    }
  }

  const kill = (): void => signal('SIGKILL');
  if (groups.size === 0) process.on('exit', killAll);
  groups.add(kill);
  const release = pid === undefined ? undefined : reap(pid);
  return {
    signal,
    release() {
      groups.delete(kill);
      if (groups.size === 0) process.removeListener('exit', killAll);
      release?.();
    },
  };
}
