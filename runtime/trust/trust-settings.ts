/** What signatures of states are held to: the mode, and whom the device trusts. Data, so that a thread can be given it. */

/**
 * lenient: signatures that are there must be right. audit: and what none of them covers is named. strict: and nothing
 * may be uncovered. `disabled` is no settings at all.
 */
export type SecureBootMode = 'lenient' | 'audit' | 'strict';

export interface TrustSettings {
  readonly mode: SecureBootMode;
  /** Certificates (PEM) that may sign anything. */
  readonly anchors: readonly string[];
  /** Certificates (PEM) that may sign what belongs neither to the BSP nor to the OEM, with a leaf named `oemName`. */
  readonly oemAnchors: readonly string[];
  readonly oemName: string | undefined;
  /** A public key (PEM) for signatures without a certificate. */
  readonly publicKey: string | undefined;
  /** What dates of certificates are judged against (wall clock, ms); undefined: they are not judged. */
  readonly nowMs?: number;
}
