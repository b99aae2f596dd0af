const KEPT = 8;

/** The epochs that a watch went through, latest last. */
export class EpochHistory {
  #epochs: readonly bigint[] = [];

  /**
   * Notes the epoch of an answer. Returns whether it is one that had been left for another: a registry that starts again
   * never comes back to an epoch, so there are two registries that don't know of each other.
   */
  returnsTo(epoch: bigint): boolean {
    if (this.#epochs.at(-1) === epoch) return false;
    const returned = this.#epochs.includes(epoch);
    this.#epochs = [...this.#epochs.filter((one) => one !== epoch), epoch].slice(-KEPT);
    return returned;
  }
}
