"""What measurements need: servers, clients, browsers, photos."""
