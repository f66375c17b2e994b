/**
 * The store of each subscription: the one that is given, with which every subscription goes on where the one before it
 * stopped, else a new one, so that subscribing again begins anew. A given store serves one subscription at a time.
 *
 * @param make - makes a store; runs once at the call too, so that options are refused before anything is subscribed to
 */
export function subscriptionStore<S>(given: S | undefined, make: () => S): () => S {
  if (given !== undefined) return () => given;
  make();
  return make;
}
