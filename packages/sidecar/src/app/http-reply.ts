// What an HTTP app replied, as verdicts.
import { ACK, type BindingReply, type BulkDelivery, type Verdict } from './channel.ts';

/** A reply of the app. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What there is when no reply came. */
export const FAILED_BINDING: BindingReply = {
  accepted: false,
  final: false,
  reason: '',
  data: Buffer.alloc(0),
  to: [],
  parallel: false,
};

/** The reply to the event of an input binding. */
export function toBindingReply({ status, body }: Reply): BindingReply {
  return {
    ...FAILED_BINDING,
    accepted: isSuccess(status),
    final: status === 200,
    reason: `status ${status}`,
    code: status,
    data: body,
  };
}

/** The verdict on a single event. */
export function toVerdict({ status, body }: Reply): Verdict {
  if (isSuccess(status)) return toStatusVerdict(parseStatus(body));
  if (status === 404) return { kind: 'drop', reason: 'status 404', deadLetter: true };
  return { kind: 'retry', reason: `status ${status}`, code: status };
}

function toStatusVerdict(status: string): Verdict {
  switch (status) {
    case '':
    case 'SUCCESS':
      return ACK;
    case 'DROP':
      return { kind: 'drop', reason: 'DROP', deadLetter: true };
    case 'RETRY':
      return { kind: 'retry', reason: 'RETRY' };
    default:
      return { kind: 'retry', reason: `unknown status ${status}` };
  }
}

// What is not an object with a text as its status counts as none, which is success.
function parseStatus(body: Buffer): string {
  if (body.length === 0) return '';
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return textOf(value, 'status') ?? '';
  } catch {
    return '';
  }
}

function textOf(value: unknown, wanted: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // Go matches the names of fields in any letter case.
  const entry = Object.entries(value).find(([name]) => name.toLowerCase() === wanted.toLowerCase());
  return typeof entry?.[1] === 'string' ? entry[1] : undefined;
}

/** The verdicts on the entries of a bulk delivery. */
export function toVerdicts(delivery: BulkDelivery, reply: Reply): ReadonlyMap<string, Verdict> {
  const { status } = reply;
  if (status === 404) {
    return sameForAll(delivery, { kind: 'drop', reason: 'status 404', deadLetter: false });
  }
  if (!isSuccess(status)) {
    return sameForAll(delivery, { kind: 'retry', reason: `status ${status}`, code: status });
  }
  const statuses = parseStatuses(reply.body);
  if (statuses === undefined) {
    return sameForAll(delivery, { kind: 'retry', reason: 'reply is not a list of statuses' });
  }
  return new Map(
    delivery.entries.map(({ entryId }): [string, Verdict] => {
      const given = statuses.get(entryId);
      // The opposite of a single event: what has no status was not taken.
      if (given === undefined) return [entryId, { kind: 'retry', reason: 'no status' }];
      return [
        entryId,
        given === '' ? { kind: 'retry', reason: 'empty status' } : toStatusVerdict(given),
      ];
    }),
  );
}

function parseStatuses(body: Buffer): ReadonlyMap<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const statuses: unknown = Object.entries(value).find(
      ([name]) => name.toLowerCase() === 'statuses',
    )?.[1];
    if (statuses === undefined || statuses === null) return new Map();
    if (!Array.isArray(statuses)) return undefined;
    return new Map(
      statuses.map((entry): [string, string] => [
        textOf(entry, 'entryId') ?? '',
        textOf(entry, 'status') ?? '',
      ]),
    );
  } catch {
    return undefined;
  }
}

/** One verdict on each entry. */
export function sameForAll(delivery: BulkDelivery, verdict: Verdict): ReadonlyMap<string, Verdict> {
  return new Map(delivery.entries.map(({ entryId }) => [entryId, verdict]));
}

/** Whether a status is 2xx. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
