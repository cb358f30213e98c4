// The ./preload export: loads what SkyWalking's provider is made of, for a process that does not know yet what
// it will run.

/**
 * Loads it. What the agent reads of the environment when it is loaded, all but `SW_AGENT_*` names and addresses,
 * has to be there by now.
 *
 * @example
 * await preload();
 * // … later: createTracing is done sooner.
 */
export async function preload(): Promise<void> {
  const [, { preloadAgent }] = await Promise.all([
    import('./tracing.ts'),
    import('./skywalking/agent.ts'),
    import('./skywalking/provider.ts'),
  ]);
  preloadAgent();
}
