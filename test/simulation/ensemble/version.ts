/**
 * Differences between versions of ZooKeeper's server that a client can observe. The behaviours of
 * each follow its branch, except 3.8.
 */

export type Version = '3.4' | '3.8' | '3.9';

export interface VersionTraits {
  /**
   * A touch never moves the expiry of a session forward (`SessionTrackerImpl.touchSession`:
   * "Nothing needs to be done"). Since 3.5, `ExpiryQueue.update` sets it in any case, so a touch
   * with a shorter timeout makes a session expire earlier.
   */
  readonly touchOnlyPostpones: boolean;
  /**
   * A session that is touched while its bucket is being expired is expired all the same
   * (`ExpiryQueue.poll` removes the bucket, `SessionTrackerImpl.run` closes its sessions one by one
   * without a lock over both). In 3.4, `run` is synchronized.
   */
  readonly expiryRacesWithTouches: boolean;
  /**
   * A follower holds back the answers of all its sessions while a change of one of them is not
   * committed (`CommitProcessor.nextPending`). Since 3.6, only those of the same session.
   */
  readonly commitsBlockAllSessions: boolean;
  /** `create2` (since 3.5). */
  readonly hasCreate2: boolean;
  /**
   * A `create2` in a transaction is answered as one (in newer releases of 3.9); before, as a
   * `create`.
   */
  readonly transactionsKeepCreate2: boolean;
  /** `RequestThrottler` (since 3.6). */
  readonly hasThrottler: boolean;
  /** Notifications carry the zxid of the change (since 3.9); before, -1. */
  readonly notificationsHaveZxid: boolean;
  /** Only clients that may read the node are notified (newer releases of 3.8 and 3.9). */
  readonly notificationsNeedPermission: boolean;
  /** `exists` needs the permission to read (newer releases of 3.8 and 3.9). */
  readonly existsNeedsPermission: boolean;
}

export const TRAITS: Readonly<Record<Version, VersionTraits>> = {
  '3.4': {
    touchOnlyPostpones: true,
    expiryRacesWithTouches: false,
    commitsBlockAllSessions: true,
    hasCreate2: false,
    transactionsKeepCreate2: false,
    hasThrottler: false,
    notificationsHaveZxid: false,
    notificationsNeedPermission: false,
    existsNeedsPermission: false,
  },
  // 3.8.0, as in Debian.
  '3.8': {
    touchOnlyPostpones: false,
    expiryRacesWithTouches: true,
    commitsBlockAllSessions: false,
    hasCreate2: true,
    transactionsKeepCreate2: false,
    hasThrottler: true,
    notificationsHaveZxid: false,
    notificationsNeedPermission: false,
    existsNeedsPermission: false,
  },
  '3.9': {
    touchOnlyPostpones: false,
    expiryRacesWithTouches: true,
    commitsBlockAllSessions: false,
    hasCreate2: true,
    transactionsKeepCreate2: true,
    hasThrottler: true,
    notificationsHaveZxid: true,
    notificationsNeedPermission: true,
    existsNeedsPermission: true,
  },
};
