// What fields of several resources are made of.
import * as v from 'valibot';
import { parseDuration } from './duration.ts';

/** A DNS label (RFC 1123): names of functions, namespaces and Services. */
export const DnsLabel = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/,
    'must be a DNS label: a to z, 0 to 9 and "-", a letter or digit at both ends',
  ),
  v.maxLength(63, 'must be at most 63 characters'),
);

/** The name of any other object. */
export const DnsName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/,
    'must be a DNS name in lower case',
  ),
  v.maxLength(253, 'must be at most 253 characters'),
);

/** The key of a label or an annotation. */
const QualifiedName = v.pipe(
  v.string(),
  v.regex(
    /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?$/,
    'must be a name of at most 63 characters, with a domain and "/" before it or none',
  ),
);

/** What a label can have as its value. */
export const LabelValue = v.pipe(
  v.string(),
  v.regex(
    /^(?:[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?)?$/,
    'must be the value of a label: letters, digits, "-", "_" and ".", a letter or digit at both ends',
  ),
  v.maxLength(63, 'must be at most 63 characters'),
);

export const Labels = v.record(QualifiedName, LabelValue);
export const Annotations = v.record(QualifiedName, v.string());
export const TextMap = v.record(v.string(), v.string());
export const Text = v.pipe(v.string(), v.minLength(1, 'must not be empty'));

/** Names of environment variables, as Kubernetes takes them. */
export const Variables = v.record(
  v.pipe(v.string(), v.regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/, 'must be the name of a variable')),
  v.string(),
);

const whole = (least: number, most: number, message: string) =>
  v.pipe(v.number(), v.integer(message), v.minValue(least, message), v.maxValue(most, message));

const INT32 = 2 ** 31 - 1;

export const Count = whole(0, INT32, 'must be a whole number from 0 up');
export const Positive = whole(1, INT32, 'must be a whole number from 1 up');
export const PortNumber = whole(1, 65_535, 'must be a port from 1 to 65535');

export const intBetween = (least: number, most: number) =>
  whole(least, most, `must be a whole number from ${least} to ${most}`);

/** A duration as Go writes it, such as `10m` or `1h30m`; not below 0. */
export const Duration = v.pipe(
  v.string(),
  v.check(
    (text) => parseDuration(text) !== undefined,
    'must be a duration from 0 up, such as 90s, 10m or 1h30m',
  ),
);

export const SecretRef = v.strictObject({ name: v.exactOptional(v.string()) });

/** The metadata of an object; what the API server adds is taken, and not looked at. */
export const Metadata = v.looseObject({
  name: DnsLabel,
  namespace: v.exactOptional(DnsLabel),
  labels: v.exactOptional(Labels),
  annotations: v.exactOptional(Annotations),
  creationTimestamp: v.exactOptional(v.nullable(v.string())),
});
