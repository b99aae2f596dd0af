import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { nextPageToken, readList } from '@rondo/resources';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import type { Ports } from '../domain/ports.js';
import type { Product } from '../domain/product.js';
import { adjustStock } from '../usecases/adjust-stock.js';
import { createProduct } from '../usecases/create-product.js';
import { deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import { getProduct } from '../usecases/get-product.js';
import { listProducts } from '../usecases/list-products.js';
import { updateProduct } from '../usecases/update-product.js';
import { answered } from './errors.js';
import { requireName } from './names.js';
import { PRODUCTS, readAdjust, readCreate, readDelete, readUpdate, toProductMessage } from './product-message.js';

const PRODUCT: Target<Product> = { kind: 'product', storeOf: ({ products }) => products };

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
      const { items, next } = await answered(
        listProducts(
          ports,
          validate((field) => readList(field, PRODUCTS, request)),
        ),
      );
      return { products: items.map(toProductMessage), nextPageToken: nextPageToken(PRODUCTS, request, next) };
    },
    async adjustStock(request) {
      const { change, key } = readAdjust(request);
      return toProductMessage(await answered(adjustStock(ports, change, key)));
    },
    async updateProduct(request) {
      return toProductMessage(await answered(updateProduct(ports, readUpdate(request))));
    },
    async deleteProduct(request) {
      return toProductMessage(await answered(deleteResource(ports, PRODUCT, readDelete(request))));
    },
    async undeleteProduct({ name }) {
      return toProductMessage(await answered(undeleteResource(ports, PRODUCT, requireName('product', name))));
    },
  });
}
