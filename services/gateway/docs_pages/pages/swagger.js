// Shows the OpenAPI document that lies beside the page.

SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true });
