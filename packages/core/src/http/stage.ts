// What the two kinds of stage have in common: calls (`http`, `openfunction`) and events.
import type { Invocation } from '../invocation/invocation.ts';
import type { Exchange, ExchangeObserver, ExchangeTracker } from './exchange.ts';

/** What all functions of a server share. */
export interface StageSettings {
  /** Bytes of a body that are accepted. */
  readonly bodyLimit: number;
  /** Whether clients see the messages of user errors. */
  readonly showDetails: boolean;
  readonly tracker: ExchangeTracker;
  readonly observer: ExchangeObserver | undefined;
}

/** What follows once the body is read: calls the function and sees to the reply. */
export type Stage = (exchange: Exchange, invocation: Invocation) => void;
