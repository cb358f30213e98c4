// The key prefix of a store: the key of the app becomes the key that is stored.
import { status as grpc } from '@grpc/grpc-js';
import type { Component } from '../contract.ts';
import { SidecarError } from '../errors.ts';

const SEPARATOR = '||';

/**
 * Parses the `keyPrefix` of a store: `appid` (the default), `name`, `namespace`, `none`, or the
 * prefix itself.
 *
 * @returns Makes the stored key of the app's key; throws SidecarError `ERR_MALFORMED_REQUEST` for a
 * key that holds the separator.
 * @throws SidecarError `ERR_MALFORMED_REQUEST` for a prefix that holds the separator.
 */
export function parseKeyPrefix(
  component: Component,
  { appId, namespace = '' }: { appId: string; namespace?: string | undefined },
): (key: string) => string {
  const given = Object.entries(component.metadata).find(([k]) => k.toLowerCase() === 'keyprefix');
  const strategy = (given?.[1] ?? 'appid').toLowerCase();
  refuseSeparator(strategy);
  const prefixes = new Map([
    ['none', ''],
    ['name', component.name],
    ['appid', appId],
    ['namespace', namespace === '' || appId === '' ? appId : `${namespace}.${appId}`],
  ]);
  const prefix = prefixes.get(strategy) ?? strategy;
  const start = prefix === '' ? '' : `${prefix}${SEPARATOR}`;
  return (key) => {
    refuseSeparator(key);
    return `${start}${key}`;
  };
}

/** The key of the app in a stored key. */
export function toAppKey(storedKey: string): string {
  return storedKey.split(SEPARATOR)[1] ?? storedKey;
}

function refuseSeparator(text: string): void {
  if (!text.includes(SEPARATOR)) return;
  throw new SidecarError(
    'ERR_MALFORMED_REQUEST',
    `input key/keyPrefix '${text}' can't contain '${SEPARATOR}'`,
    { httpStatus: 400, grpcStatus: grpc.INVALID_ARGUMENT },
  );
}
