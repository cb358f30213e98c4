// Which topics an app may publish and subscribe to, by the metadata of a pub/sub component.

/** What an app may do with the topics of a component. */
export interface TopicScopes {
  mayPublish(topic: string): boolean;
  maySubscribe(topic: string): boolean;
}

/** The rights of one app: `allowedTopics`, `protectedTopics`, `publishingScopes`, `subscriptionScopes`. */
export function createTopicScopes(
  metadata: Readonly<Record<string, string>>,
  appId: string,
): TopicScopes {
  const fields = new Map(
    Object.entries(metadata).map(([name, value]) => [
      name.toLowerCase(),
      value.replaceAll(' ', ''),
    ]),
  );
  const topics = (text: string | undefined) => (text ? text.split(',') : []);
  const scoped = (field: string) =>
    (fields.get(field) ?? '').split(';').flatMap((part) => {
      const [app, list] = part.split('=');
      return app === appId ? topics(list) : [];
    });
  const allowed = topics(fields.get('allowedtopics'));
  const protectedTopics = topics(fields.get('protectedtopics'));

  function may(topic: string, scope: readonly string[]): boolean {
    if (allowed.length > 0 && !allowed.includes(topic)) return false;
    // A protected topic needs a scope that names it; with any scope, so does every other one.
    if (!protectedTopics.includes(topic) && scope.length === 0) return true;
    return scope.includes(topic);
  }

  const publishing = scoped('publishingscopes');
  const subscribing = scoped('subscriptionscopes');
  return {
    mayPublish: (topic) => may(topic, publishing),
    maySubscribe: (topic) => may(topic, subscribing),
  };
}
