// The servings of a function as processes: the latest one is started when it is asked for; the one before
// serves until that runs, and goes on when it does not.
import type { FunctionObservation, ServingProgress, ServingResource } from '@ofn/resources';
import { fileOf } from '../build/bundle.ts';
import type { Source } from '../build/source.ts';
import type { EventRecord } from '../state/event-log.ts';
import type { InstanceResource } from '../state/objects.ts';
import { createRevision, type Revision, type RevisionSettings } from './revision.ts';

/** What servings are run for. */
export interface ServingsOptions {
  readonly source: () => Source;
  readonly settings: () => Omit<RevisionSettings, 'file' | 'name' | 'source' | 'serving'>;
  readonly observe: (observation: FunctionObservation) => void;
  /** The addresses that requests go to now; none while they are held. */
  readonly onEndpoints: (addresses: readonly string[]) => void;
  readonly onInstances: (instances: readonly InstanceResource[]) => void;
  readonly onReady: (instance: string, after: number) => void;
  readonly onCrash: (instance: string, how: string) => void;
  readonly onLine: (instance: string, line: string) => void;
  readonly record: (event: Omit<EventRecord, 'at'>) => void;
  /** Whether a process begins only when the one before has ended, because both need the same port. */
  readonly isExclusive: boolean;
}

/** The servings of a function. */
export interface Servings {
  /** Starts and ends what is to run by now. */
  readonly reconcile: (progress: ServingProgress) => void;
  /** Holds requests, or lets them go. */
  readonly hold: (held: boolean) => void;
  readonly scale: (replicas: number) => void;
  /** New processes take the place of those that run. */
  readonly restart: () => void;
  readonly stop: () => Promise<void>;
}

/** Creates them; nothing runs yet. */
export function createServings(options: ServingsOptions): Servings {
  const { isExclusive, observe, onEndpoints, onInstances, record } = options;
  const revisions = new Map<string, Revision>();
  const leaving = new Set<Revision>();
  let progress: ServingProgress | undefined;
  let replicas = 0;
  let held = false;
  // Milliseconds since 1970 at which a process was asked for.
  let wantedSince = 0;
  let target: Revision | undefined;
  let timer: NodeJS.Timeout | undefined;

  function publish(): void {
    onEndpoints(held ? [] : (target?.addresses ?? []));
  }

  function tellInstances(): void {
    onInstances([...revisions.values(), ...leaving].flatMap((revision) => revision.instances()));
  }

  function end(name: string, revision: Revision): void {
    revisions.delete(name);
    leaving.add(revision);
    void revision.stop().finally(() => {
      leaving.delete(revision);
      tellInstances();
      if (isExclusive) settle();
    });
  }

  function revisionOf(serving: ServingResource): Revision {
    const { name } = serving.metadata;
    const known = revisions.get(name);
    if (known !== undefined) return known;
    const source = options.source();
    const digest = serving.spec.image.split('@', 2)[1] ?? '';
    const isPresent = (): boolean => revisions.get(name) === revision;
    const revision = createRevision(
      { ...options.settings(), source, serving: name, file: fileOf(source, digest) },
      {
        onChange() {
          if (isPresent() && target === revision) publish();
          tellInstances();
        },
        onReady(instance, after) {
          if (!isPresent()) return;
          options.onReady(instance, after);
          const service = source.function.metadata.name;
          observe({ type: 'serving-running', serving: name, service, at: Date.now() });
        },
        onCrash(instance, how, wasReady) {
          if (!isPresent()) return;
          options.onCrash(instance, how);
          record(backOff(serving, how));
          if (wasReady) return;
          const message = `it ended before it was ready: ${how}`;
          const reason = 'CrashLoopBackOff';
          observe({ type: 'serving-failed', serving: name, reason, message, at: Date.now() });
        },
        onUnready() {
          if (isPresent()) record(unhealthy(serving));
        },
        onLine: options.onLine,
      },
    );
    revisions.set(name, revision);
    return revision;
  }

  function settle(): void {
    if (progress === undefined) return;
    const { condition, previous, serving: latest } = progress;
    const wanted = [latest, previous].flatMap((each) => each?.metadata.name ?? []);
    for (const [name, revision] of revisions) if (!wanted.includes(name)) end(name, revision);
    const failed = condition.state === 'Failed' || condition.state === 'Timeout';
    const failedRevision = latest && failed ? revisions.get(latest.metadata.name) : undefined;
    // One that crashes is tried again, unless there is a better one; one that hangs is not.
    const isGivenUp = previous !== undefined || condition.state === 'Timeout';
    if (latest !== undefined && failedRevision !== undefined && isGivenUp)
      end(latest.metadata.name, failedRevision);
    const serving = failed && isGivenUp ? previous : latest;
    target = serving === undefined ? undefined : revisionOf(serving);
    if (isExclusive) for (const [name, each] of revisions) if (each !== target) end(name, each);
    if (!isExclusive || leaving.size === 0) target?.scale(replicas);
    if (replicas === 0) for (const revision of revisions.values()) revision.scale(0);
    publish();
    tellInstances();
    if (serving !== undefined && serving === latest && replicas > 0)
      begin(serving, condition.state);
    watchStart();
  }

  function begin({ metadata }: ServingResource, state: string | undefined): void {
    if (state !== 'Created') return;
    observe({ type: 'serving-starting', serving: metadata.name, at: Date.now() });
  }

  // What has not started by its time is given up.
  function watchStart(): void {
    clearTimeout(timer);
    const limit = target?.startTimeout;
    if (progress?.condition.state !== 'Starting' || replicas === 0 || limit === undefined) return;
    const left = Math.max(progress.since ?? 0, wantedSince) + limit - Date.now();
    timer = setTimeout(
      () => {
        observe({ type: 'time-passed', at: Date.now() });
        // A timer may be early.
        watchStart();
      },
      Math.max(1, left),
    );
  }

  return {
    reconcile(next) {
      progress = next;
      settle();
    },
    hold(value) {
      held = value;
      publish();
    },
    scale(count) {
      const before = replicas;
      replicas = count;
      if (before === 0) wantedSince = Date.now();
      const serving = progress?.serving;
      if (serving !== undefined && before !== count) record(rescaled(serving, before, count));
      settle();
    },
    restart() {
      for (const [name, revision] of revisions) end(name, revision);
      settle();
    },
    async stop() {
      clearTimeout(timer);
      progress = undefined;
      for (const [name, revision] of revisions) end(name, revision);
      await Promise.all([...leaving].map((revision) => revision.stop()));
    },
  };
}

// As KEDA and the HorizontalPodAutoscaler tell of it.
function rescaled(
  serving: ServingResource,
  before: number,
  after: number,
): Omit<EventRecord, 'at'> {
  const regarding = referTo(serving);
  const common = { regarding, type: 'Normal', action: 'Scale' } as const;
  const note = `Scaled from ${before} to ${after}`;
  if (before === 0) return { ...common, reason: 'KEDAScaleTargetActivated', note };
  if (after === 0) return { ...common, reason: 'KEDAScaleTargetDeactivated', note };
  return { ...common, reason: 'SuccessfulRescale', note };
}

// As the kubelet tells of it.
function backOff(serving: ServingResource, how: string): Omit<EventRecord, 'at'> {
  const note = `Back-off restarting instance: ${how}`;
  return { regarding: referTo(serving), type: 'Warning', action: 'Start', reason: 'BackOff', note };
}

function unhealthy(serving: ServingResource): Omit<EventRecord, 'at'> {
  const note = 'Readiness probe failed';
  const regarding = referTo(serving);
  return { regarding, type: 'Warning', action: 'Probe', reason: 'Unhealthy', note };
}

function referTo({ kind, metadata }: ServingResource): EventRecord['regarding'] {
  return { kind, name: metadata.name, namespace: metadata.namespace ?? 'default' };
}
