// Ends the process groups of a process that was killed: a shell that outlives it, and is told what runs.
import { spawn, type ChildProcess } from 'node:child_process';

// Its input ends when this process does, however that ends. Each line of it is a process group that has begun (`+`)
// or ended (`-`). Those that are left are told to end, and killed after three seconds: nobody is there any more whom
// they could answer.
const SCRIPT = `trap '' HUP INT TERM QUIT
left=' '
while read -r sign group; do
  case $sign in
    +) left="$left$group " ;;
    -) left="\${left%% $group *} \${left#* $group }" ;;
  esac
done
for group in $left; do kill -TERM "-$group" 2>/dev/null; done
for second in 1 2 3; do
  alive=
  for group in $left; do kill -0 "-$group" 2>/dev/null && alive=1; done
  [ -z "$alive" ] && exit
  sleep 1
done
for group in $left; do kill -KILL "-$group" 2>/dev/null; done
`;

const groups = new Set<number>();
let shell: ChildProcess | undefined;

/**
 * Sees to it that a process group ends with this process, also when this one is killed. Does nothing on systems
 * without process groups.
 *
 * @returns What is called when the group has ended by itself.
 */
export function reap(group: number): () => void {
  if (process.platform === 'win32') return () => {};
  groups.add(group);
  shell ??= start();
  shell.stdin?.write(`+ ${group}\n`);
  return () => {
    if (!groups.delete(group)) return;
    shell?.stdin?.write(`- ${group}\n`);
    if (groups.size > 0) return;
    shell?.stdin?.end();
    shell = undefined;
  };
}

function start(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Not in reach of a Ctrl-C.
    detached: true,
  });
  // Without a shell, instances end by their standard input, which ends too.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  return child;
}
