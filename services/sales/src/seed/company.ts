/** The company's team, catalogue and customers. All names are invented, and `.example` is a reserved domain (RFC 2606). */
import { readFileSync } from 'node:fs';

/** The data in `seed/company.json`. */
interface Company {
  readonly members: readonly { readonly displayName: string; readonly email: string; readonly weeklyMinutes: number }[];
  readonly products: readonly {
    readonly sku: string;
    readonly title: string;
    readonly euroCents: number;
    readonly stock: number;
    readonly effortMinutes: number;
    readonly phase: number;
    readonly isSoldAbroad?: boolean;
  }[];
  /** E-mail addresses by currency and by name. */
  readonly customers: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const company: Company = JSON.parse(readFileSync(new URL('../../seed/company.json', import.meta.url), 'utf8'));

/** A product, and how it is sold. */
export interface Offer {
  /** When the work for it is done in a project: 0, 1 or 2. */
  readonly phase: number;
  /** In the form of `CreateProduct`. */
  readonly product: { readonly sku: string; readonly deliveryEffortMinutes: bigint };
}

/** The markets by currency, with prices as percentages of the price in euros. */
const MARKETS = {
  EUR: { suffix: '', percent: 100 },
  GBP: { suffix: '-UK', percent: 90 },
  USD: { suffix: '-US', percent: 115 },
};

/** The team, in the form of `CreateMember`. */
export const MEMBERS = company.members.map(({ displayName, email, weeklyMinutes }) => ({
  displayName,
  email,
  weeklyCapacityMinutes: BigInt(weeklyMinutes),
}));

/** The catalogue. */
export const OFFERS: readonly Offer[] = company.products.flatMap(
  ({ sku, title, euroCents, stock, effortMinutes, phase, isSoldAbroad = false }) =>
    Object.entries(MARKETS)
      .filter(([currencyCode]) => currencyCode === 'EUR' || isSoldAbroad)
      .map(([currencyCode, { suffix, percent }]) => {
        const cents = Math.floor((euroCents * percent) / 100);
        const unitPrice = { currencyCode, units: BigInt(Math.floor(cents / 100)), nanos: (cents % 100) * 10_000_000 };
        const amounts = { stock: BigInt(stock), deliveryEffortMinutes: BigInt(effortMinutes) };
        return { phase, product: { sku: `${sku}${suffix}`, title, unitPrice, ...amounts } };
      }),
);

const offers = new Map(OFFERS.map((offer) => [offer.product.sku, offer]));

/** The offer of a product. */
export function offerOf(sku: string): Offer {
  const offer = offers.get(sku);
  if (offer === undefined) throw new RangeError(`the company sells no ${sku}`);
  return offer;
}

/** The customers, in the form of `CreateCustomer`, each with its currency. */
export const CUSTOMERS = Object.entries(company.customers).flatMap(([currencyCode, buyers]) =>
  Object.entries(buyers).map(([displayName, email]) => ({ currencyCode, customer: { displayName, email } })),
);
