"use strict";

const place = document.getElementById("swagger");

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null, // nothing is told to others
  presets: [SwaggerUIBundle.presets.apis],
});
