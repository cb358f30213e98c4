// Entries of the journal become lines for whoever runs the sidecar: what failed, and what would help.
import { renderSource, type JournalRecord } from './journal.ts';

/** How much a line matters. Nobody needs `debug` unless something is to be found. */
export type TellLevel = 'debug' | 'info' | 'warn';

/** Takes a line that is told. */
export type Tell = (message: string, level: TellLevel) => void;

/** Creates what tells each entry of a journal. */
export function createNarration(tell: Tell): (entry: JournalRecord) => void {
  // Once for each topic: nobody takes the next event either.
  const untaken = new Set<string>();

  function tellPublished({ pubsub = '', topic = '', binding, subscribers }: JournalRecord): void {
    // An output that is nobody's input is the rule.
    if (binding !== undefined) return;
    const key = `${pubsub}||${topic}`;
    if (subscribers !== 0) untaken.delete(key);
    else if (!untaken.has(key)) {
      untaken.add(key);
      tell(`nobody takes the topic ${topic} of ${pubsub}: what is published to it is gone`, 'warn');
    }
  }

  return (entry) => {
    const { outcome } = entry;
    if (outcome === 'published') tellPublished(entry);
    else tell(renderEntry(entry, VERBS[outcome]), LEVELS[outcome]);
  };
}

const LEVELS = {
  delivered: 'debug',
  acked: 'debug',
  retried: 'info',
  dropped: 'warn',
  deadLettered: 'warn',
  lost: 'warn',
  returned: 'info',
} as const;

const VERBS = {
  delivered: 'is delivered',
  acked: 'is acknowledged',
  retried: 'failed, and comes again',
  dropped: 'is dropped',
  deadLettered: 'goes to the dead-letter topic',
  lost: 'is lost',
  returned: 'waits for the next sidecar of the app',
} as const;

function renderEntry(entry: JournalRecord, verb: string): string {
  const { binding, id = '', attempt, reason } = entry;
  const event = `event ${binding === undefined ? `${id} ` : ''}of ${renderSource(entry)}`;
  const tried = attempt === undefined || attempt === 0 ? '' : ` (attempt ${attempt})`;
  const why = reason === undefined ? '' : `: ${reason}`;
  return `${event} ${verb}${tried}${why}${renderMissing(entry)}`;
}

// What would have saved an event that the app was given.
function renderMissing({ outcome, binding, attempt = 0, reason = '' }: JournalRecord): string {
  if (outcome !== 'lost' || attempt === 0 || reason === 'the sidecar stopped') return '';
  const policy = 'no retry policy (a Resiliency resource) is left';
  if (binding !== undefined) return `; ${policy}`;
  return reason.includes('; dead letter: ') ? '' : `; ${policy}, and there is no dead-letter topic`;
}
