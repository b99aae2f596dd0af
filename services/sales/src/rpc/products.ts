import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Ports } from '../domain/ports.js';
import { adjustStock } from '../usecases/adjust-stock.js';
import { createProduct } from '../usecases/create-product.js';
import { getProduct } from '../usecases/get-product.js';
import { listProducts } from '../usecases/list-products.js';
import { answered } from './errors.js';
import { requireName } from './names.js';
import { readPage, toPageToken } from './pages.js';
import { readAdjust, readCreate, toProductMessage } from './product-message.js';

/** `sales.v1.ProductService`. */
export function productService(ports: Ports): ServiceImplementation {
  return implement(ProductServiceDefinition, {
    async createProduct(request) {
      const { draft, key } = readCreate(request);
      return toProductMessage(await answered(createProduct(ports, draft, key)));
    },
    async getProduct({ name }) {
      return toProductMessage(await answered(getProduct(ports, requireName('product', name))));
    },
    async listProducts(request) {
      const { items, next } = await answered(listProducts(ports, readPage('products', request)));
      return { products: items.map(toProductMessage), nextPageToken: toPageToken('products', next) };
    },
    async adjustStock(request) {
      const { change, key } = readAdjust(request);
      return toProductMessage(await answered(adjustStock(ports, change, key)));
    },
  });
}
