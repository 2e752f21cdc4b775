// Shows the OpenAPI document in the folder of the page.

SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true });
