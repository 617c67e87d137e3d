// A relying party on github.com/coreos/go-oidc, which Argo CD, Dex, kubelogin and the API server of Kubernetes use, too.
//
// Arguments: issuer, client_id, client_secret, redirect_uri, scope. Prints the URL to sign in at, reads the URL that the browser is sent
// back to, and prints the claims of the ID token; reads a line, refreshes, and prints them again.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func claims(verifier *oidc.IDTokenVerifier, token *oauth2.Token, nonce string) string {
	raw, _ := token.Extra("id_token").(string)
	verified, err := verifier.Verify(context.Background(), raw)
	if err != nil {
		log.Fatal(err)
	}
	if nonce != "" && verified.Nonce != nonce {
		log.Fatal("the nonce is another one")
	}
	if err := verified.VerifyAccessToken(token.AccessToken); err != nil {
		log.Fatal(err)
	}
	var found map[string]any
	if err := verified.Claims(&found); err != nil {
		log.Fatal(err)
	}
	written, _ := json.Marshal(found)
	return string(written)
}

func main() {
	ctx, lines := context.Background(), bufio.NewScanner(os.Stdin)
	issuer, clientID, secret, redirect, scope := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		log.Fatal(err)
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: clientID, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256}})
	config := oauth2.Config{ClientID: clientID, ClientSecret: secret, Endpoint: provider.Endpoint(), RedirectURL: redirect, Scopes: strings.Split(scope, " ")}
	proof := oauth2.GenerateVerifier()
	fmt.Println(config.AuthCodeURL("a-state", oidc.Nonce("a-nonce"), oauth2.S256ChallengeOption(proof)))
	lines.Scan()
	back, err := url.Parse(lines.Text())
	if err != nil || back.Query().Get("state") != "a-state" {
		log.Fatal("not the answer to what was asked: ", lines.Text())
	}
	token, err := config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(proof))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims(verifier, token, "a-nonce"))
	lines.Scan()
	refreshed, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims(verifier, refreshed, ""))
}
