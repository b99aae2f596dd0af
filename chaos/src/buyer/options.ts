/** What a buyer buys, and how. */
export interface BuyerOptions {
  readonly registry: readonly string[];
  /** How many orders there are to be in the end. */
  readonly orders: number;
  /** The file that outlives the buyer: what was ordered, and which replies were lost. */
  readonly ledger: string;
  /** Whether each order has a `request_id` of its own, the same at each try. */
  readonly withIds: boolean;
}

/** How options reach the buyer's process. */
export const BUYER_OPTIONS = 'CHAOS_BUYER';

/** Of `sales`, whose ids these are. */
export const CUSTOMER = 'customers/buyer';
/** What is bought, one at a time. */
export const PRODUCT = 'products/desk';
