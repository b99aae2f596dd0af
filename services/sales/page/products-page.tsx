import { Field, Form, LiveTable } from '@rondo/console/page';
import { useState } from 'preact/hooks';
import { moneyOf, moneyText } from './money.js';
import { products } from './services.js';

async function* watch(signal: AbortSignal) {
  for await (const { snapshot, productChanged } of products.watch('watchProducts', {}, signal)) {
    if (snapshot) yield { items: snapshot.products ?? [], more: snapshot.more === true };
    if (productChanged) yield { items: [productChanged] };
  }
}

/** The products, with their stocks. */
export const ProductsPage = () => (
  <LiveTable
    title="Products"
    watch={watch}
    textOf={({ title = '', sku = '' }) => `${title} ${sku}`}
    columns={[
      ['Title', ({ title }) => title],
      ['SKU', ({ sku }) => sku],
      ['Price', ({ unitPrice }) => moneyText(unitPrice)],
      ['In stock', ({ stock = '0' }) => stock],
    ]}
    empty="There is no product yet: add one above."
  >
    <NewProduct />
  </LiveTable>
);

const NOTHING = { title: '', sku: '', price: '', currency: 'EUR', stock: '0', minutes: '0' };

function NewProduct() {
  const [given, setGiven] = useState(NOTHING);
  const { title, sku, price, currency, stock, minutes: deliveryEffortMinutes } = given;
  const create = async () => {
    const product = { title, sku, unitPrice: moneyOf(price, currency), stock, deliveryEffortMinutes };
    await products.call('createProduct', { product });
    setGiven(NOTHING);
  };
  const field = (name: keyof typeof NOTHING, label: string) => (
    <Field
      label={label}
      required={true}
      value={given[name]}
      onChange={(value) => setGiven({ ...given, [name]: value })}
    />
  );
  return (
    <Form action="Add the product" onAct={create}>
      <div class="row">
        {field('title', 'Title')}
        {field('sku', 'SKU')}
        {field('price', 'Price')}
        {field('currency', 'Currency')}
        {field('stock', 'In stock')}
        {field('minutes', 'Minutes to deliver one')}
      </div>
    </Form>
  );
}
